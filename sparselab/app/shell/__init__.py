"""The frame around every page: navigation, the visitor's session, the address."""
