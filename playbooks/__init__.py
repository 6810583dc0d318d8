"""The catalogue of playbooks (YAML), its schema, the choice of one, its steps, and drafts of replies.

Pure save for reading the catalogue at start. Nothing here sends anything.
"""
