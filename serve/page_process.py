"""How the page of the chat is run: Streamlit in a process of its own, told where the API is.

Its colours are those of the report (explain/page/report.css), light and dark. It tells nobody of
it, asks for no address and listens on this machine alone, unless another address is named.
"""

import sys
from pathlib import Path

# What the page reads of its environment (serve/client.py, which is not loaded for this).
API, TOKEN, CHAT, LIVE = (f"DEMEANOR_{name}" for name in ("API", "TOKEN", "CHAT", "LIVE"))
_HERE = "127.0.0.1"
_LIGHT = {
    "primaryColor": "#0072b2",
    "backgroundColor": "#fdfcfa",
    "secondaryBackgroundColor": "#f3f1ea",
    "textColor": "#1d2126",
    "linkColor": "#00588c",
    "borderColor": "#dcdad4",
}
_DARK = {
    "primaryColor": "#56b4e9",
    "backgroundColor": "#16181c",
    "secondaryBackgroundColor": "#24272d",
    "textColor": "#e8e6e1",
    "linkColor": "#7cc4f0",
    "borderColor": "#363b42",
}


def page_line(port: int, address: str = _HERE, upload_bytes: int = 200_000_000) -> list[str]:
    """What is run. The limit of an upload is the API's: the page refuses what it would refuse."""
    options = {
        "server.address": address,
        "server.port": str(port),
        "server.headless": "true",
        "server.showEmailPrompt": "false",
        "server.fileWatcherType": "none",
        "server.maxUploadSize": str(max(1, upload_bytes // 1_000_000)),
        "client.toolbarMode": "viewer",
        "browser.gatherUsageStats": "false",
        **{f"theme.light.{name}": colour for name, colour in _LIGHT.items()},
        **{f"theme.dark.{name}": colour for name, colour in _DARK.items()},
    }
    page = Path(__file__).with_name("chat_page.py")
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(page), *flags]


def page_environment(
    api: str, token: str = "", chat: str = "", live: bool = False
) -> dict[str, str]:
    """To be added to the environment of the page's process. live: there is a camera's page."""
    return {API: api, TOKEN: token, CHAT: chat, LIVE: "1" if live else ""}
