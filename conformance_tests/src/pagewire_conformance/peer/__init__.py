"""The scripted peer: what a case talks through, and what watches every message that a client sends."""
