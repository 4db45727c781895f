"""The project's fuzzer: texts from the grammars (`texts`), command lines that read them (`surfaces`), and children that run
them under limits (`children`).  `scripts/fuzz.py` is its command line."""
