"""Reports of verbs, in the forms that other programs read: one table, and one list of cases, for all of them."""
