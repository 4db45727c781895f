"""The command `derive`: parse options, call, print."""
