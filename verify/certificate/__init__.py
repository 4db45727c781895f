"""Certificates: written from a proof, and checked by a program that stands alone."""
