"""References as links: an arXiv number is a DOI, and the papers that have another one are listed here."""

from __future__ import annotations

import re

_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
#: words of a reference -> where it is
ELSEWHERE = {
    "Kovachki & Stuart, JMLR 22(17), 2021": "https://doi.org/10.48550/arXiv.1906.04285",
    "Kramers 1940": "https://doi.org/10.1016/S0031-8914(40)90098-2",
    "Polyak 1964": "https://doi.org/10.1016/0041-5553(64)90137-5",
}


def linked(text: str) -> str:
    """Markdown in which every reference that has an address is a link.

    >>> linked("Kingma & Ba, ICLR 2015, arXiv:1412.6980")
    'Kingma & Ba, ICLR 2015, [arXiv:1412.6980](https://doi.org/10.48550/arXiv.1412.6980)'
    """
    text = _ARXIV.sub(r"[arXiv:\1](https://doi.org/10.48550/arXiv.\1)", text)
    for words, address in ELSEWHERE.items():
        text = text.replace(words, f"[{words}](<{address}>)")
    return text
