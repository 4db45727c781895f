"""Schemes: the update text of an optimizer with its parameters and regimes, loaded from TOML and checked.

A `Scheme` is what a file says.  A `Configuration` is a scheme in one regime with some parameters set: every
parameter is then an expression in gamma, t and the free parameters, and every state variable is either itself or a
power of gamma times a rescaled one.
"""

from derive.language import substitute
from derive.language.letters import GREEK
from derive.scheme.catalogue import catalogue, declaring, inline_scheme, load_scheme, scheme_from_toml, spellings
from derive.scheme.configuration import Configuration, configure
from derive.scheme.model import Parameter, Regime, Scheme
from derive.scheme.names import RESERVED
from derive.scheme.rescaling import Rescaling

__all__ = [
    "GREEK",
    "RESERVED",
    "Configuration",
    "Parameter",
    "Regime",
    "Rescaling",
    "Scheme",
    "catalogue",
    "configure",
    "declaring",
    "inline_scheme",
    "load_scheme",
    "scheme_from_toml",
    "spellings",
    "substitute",
]
