"""Tests of the API by its own description, and of vLLM behind it: `make test-serving`. They need
an environment of their own, which that target makes."""

import pytest

pytest.importorskip("schemathesis", reason="not installed here: make test-serving")
