"""Pagewire."""
