"""The defects: subclasses of the correct client, each with the requirement that it breaks."""
