"""Read Markdown files with front matter: one file is one row; for what people keep by hand.

Belongs here: keys of the front matter as columns, the body as the column ``tekst``. A row's number
is the file's place among the table's files, by name.
"""

from __future__ import annotations

from collections.abc import Iterator

import frontmatter
import yaml

from via_pipeline.contracts.model import Table
from via_pipeline.intake.content import Content
from via_pipeline.intake.readers.cells import as_text
from via_pipeline.intake.readers.header import Header, locate
from via_pipeline.intake.readers.raw import RawTable, Tally, from_rows

BODY = "tekst"


def read(contents: list[Content], table: Table) -> RawTable:
    """The table made of ``contents``; a key that a file lacks is a blank cell."""
    tally = Tally(
        contents[0].name if len(contents) == 1 else f"{len(contents)} bestanden", table.name
    )
    posts = [_post(content) for content in contents]
    names = [column.name for column in table.delivered_columns]
    extra = sorted({key for post in posts if post for key in post} - set(names))
    header = locate([names + extra], table, 1, 0)
    return RawTable(
        header,
        tally,
        (from_rows(header, tally, lambda: _rows(contents, posts, header, table, tally)),),
        {"format": "markdown", "encoding": "utf-8", "files": len(contents)},
    )


def _post(content: Content) -> dict[str, object] | None:
    """Front matter and body of one file; None where it cannot be read."""
    try:
        text = content.read().decode("utf-8-sig")
        metadata, body = frontmatter.parse(text)
    except (UnicodeDecodeError, yaml.YAMLError, ValueError):
        return None
    if not metadata:
        return None
    fields = {str(key): value for key, value in metadata.items()}
    return fields | {BODY: body.strip()}


def _rows(
    contents: list[Content],
    posts: list[dict[str, object] | None],
    header: Header,
    table: Table,
    tally: Tally,
) -> Iterator[tuple[int, list[str]]]:
    for number, (content, post) in enumerate(zip(contents, posts, strict=True), 1):
        if post is None:
            tally.malformed_row(
                number, f"{content.name}: het kopblok (front matter) ontbreekt of is geen YAML."
            )
            continue
        yield (
            number,
            [
                as_text(post.get(name), table.column(name) if name in header.places else None)
                for name in header.names
            ],
        )
