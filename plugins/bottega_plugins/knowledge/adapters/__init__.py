"""A knowledge base in other frameworks' terms: a file a framework, imported where it is used."""
