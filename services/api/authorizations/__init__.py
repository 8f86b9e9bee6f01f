"""Authorisations: OAuth flows that connect channels."""
