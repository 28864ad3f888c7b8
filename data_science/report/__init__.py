"""All English about one fit: the closing summary, the model card, and the sentences of the book."""
