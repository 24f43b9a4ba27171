from pathlib import Path
def pulled(version): return Path('/nowhere')
