"""Tests of the CI matrix and of the documents."""
