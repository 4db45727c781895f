"""A modified equation as an article: scheme, ansatz, derivation, result, modified loss, what was checked, sources.

    Configuration --Derivation--> sections of LaTeX (document) --latexmk--> PDF (compile)

Formulas are broken by estimated width (`linebreak`), so that no line leaves the margin; text that users wrote is escaped
(`escape`) and can never act as a command.  The macros are documented in one preamble (`preamble`).
"""
