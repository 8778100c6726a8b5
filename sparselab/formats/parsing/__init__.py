"""Headers, archives and pickles, checked before anything is read from them."""
