"""Tools that ask databases; whether they may write is for the database to enforce."""
