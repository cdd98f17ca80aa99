"""What the lists of the REST door share."""

from typing import Annotated

from fastapi import Query

PageSize = Annotated[int, Query(ge=1, le=1000, description="How many a page, at most.")]
