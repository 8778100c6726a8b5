"""What a visitor or command asks for: one layer, all transforms on a layer, a whole network."""
