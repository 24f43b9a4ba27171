"""Where the API and the page of the tests would be."""

HOST = "http://127.0.0.1:8000"
PAGE = "http://127.0.0.1:8501"
