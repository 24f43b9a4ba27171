"""How far each token leans to each label of comments: what a bag of words knows, for a start.

A softmax regression on the mean of a comment's tokens, fitted on the training comments in seconds.
`start.py` puts it into embeddings, so that training begins with words that already mean something
and need not find them out of few comments by small steps.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

LOUD = 20.0  # of the mean: brings weights near 1
_BESIDE = 8  # tokens of the question, which say nothing
_RIDGE = 2e-5  # of three (8e-5, 5e-6), most first labels right on held-out training comments
_STEPS = 100


def leanings(
    texts: Sequence[Sequence[int]], gold: np.ndarray, n_tokens: int, ridge: float = _RIDGE
) -> np.ndarray:
    """(n_tokens, labels), mean 0 by label. texts: token ids; gold: (texts, labels), 1 where given.

    Logits are LOUD times the mean over a text's tokens, and an intercept that is not kept.
    """
    lengths = [len(text) for text in texts]
    rows = np.repeat(np.arange(len(texts)), lengths)
    shares = np.repeat([LOUD / (n + _BESIDE) for n in lengths], lengths)
    mean = csr_matrix((shares, (rows, np.concatenate(texts))), (len(texts), n_tokens))
    weights, _ = softmax_fit(mean, gold, ridge)
    return weights


def softmax_fit(x: csr_matrix, gold: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights (features, labels) and intercept (labels,). gold: (rows, labels), 1 where given; of
    several labels each is as right as the others."""
    back = x.T.tocsr()
    right = gold / gold.sum(axis=1, keepdims=True)
    (n, k), n_features = right.shape, x.shape[1]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat[:-k].reshape(n_features, k)
        logits = x @ weights + flat[-k:]
        logits -= logits.max(axis=1, keepdims=True)
        told = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        off = (np.exp(told) - right) / n
        value = -(right * told).sum() / n + 0.5 * ridge * (weights**2).sum()
        return value, np.concatenate([(back @ off + ridge * weights).ravel(), off.sum(axis=0)])

    begin = np.zeros((n_features + 1) * k)
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS})
    flat = np.asarray(found.x)
    return flat[:-k].reshape(n_features, k), flat[-k:]
