"""What a run leaves behind: records, and their forms for people and for programs."""
