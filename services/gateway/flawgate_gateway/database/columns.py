"""What all tables are made of."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Uuid, text

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMES)

Id = Uuid(as_uuid=False)
Key = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows of its INTEGER alone."""


def moment(name: str, *, nullable: bool = False, index: bool = False) -> "Column[int]":
    """A column of microseconds since 1970, UTC."""
    return Column(name, BigInteger, nullable=nullable, index=index)


def partial(name: str, *columns: str, where: str) -> Index:
    """An index of some rows."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))
