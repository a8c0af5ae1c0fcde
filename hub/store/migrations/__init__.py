"""How the tables that are kept come from one release to the next; Alembic runs what is in `versions`."""
