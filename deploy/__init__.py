"""What those need who install it for others, and the rehearsals that try it."""
