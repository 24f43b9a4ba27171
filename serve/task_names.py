"""Names of tasks, known without loading any (eval/tasks): `demeanor --help` stays quick."""

OF_CORPORA = tuple(
    """
    mer2023-multi mer2024-semi mer2025-semi mer2026-cross mer2025-fg mer2026-fg mer2026-prefer
    mer2026-prefer-3
    mer2025-des emer-v1 emer-v1-clues emer-v2-clues mer2023 mer2024 iemocap cmumosei sims
    simsv2 rafdb rafdb-compound affectnet8 affectnet7 affectnet-kaggle fer2013 ferplus dfew
    mafw ferv39k ferv39k-gpt4v meld-7 iemocap-4 iemocap-6 goemotions smile cmumosi-level
    cmumosei-level sims-level casme2 samm smic casme3 megc cd6me disfa-au bp4d-au
    disfa-intensity probe-au veatic recola affwild2-va affwild2-expr affwild2-au cexpr bah
    probe-expression probe-reasoning
    """.split()
)
# Whose pictures or clips a system can be asked about, where a user has them.
ASKABLE = tuple(
    """
    ovmerd ovmerdplus meld mer2023-multi mer2024-semi mer2025-semi mer2026-cross
    mer2025-fg mer2026-fg emer-v1 mer2023 mer2024 iemocap rafdb rafdb-compound affectnet8
    affectnet7 affectnet-kaggle fer2013 ferplus dfew mafw ferv39k ferv39k-gpt4v meld-7
    iemocap-4 iemocap-6 bah probe-expression
    """.split()
)
