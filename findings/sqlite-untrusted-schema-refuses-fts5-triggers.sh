#!/bin/sh
# SQLite 3.40 to 3.43: `PRAGMA trusted_schema = OFF` makes a table unwritable whose text is indexed by FTS5's triggers.
#
# SQLite's own advice is to switch the schema's trust off for databases that come from others, and FTS5's own advice is
# to keep an external-content index in step by triggers. Together they end in "unsafe use of virtual table": FTS5 is not
# marked harmless there, and a trigger may then not touch it. From 3.44 on it may. Debian 12's Python has 3.40.1, so a
# program that searches recordings and opens other people's databases meets it: it works here and fails there.
#
# Tried 2026-11-28 with Python 3.11 and apsw, whose wheels bring the SQLite they are named after:
#   SQLite 3.40.1: trusted: written and found; untrusted: unsafe use of virtual table "found"
#   SQLite 3.43.1: trusted: written and found; untrusted: unsafe use of virtual table "found"
#   SQLite 3.44.0: trusted: written and found; untrusted: written and found
#
# Exits 0 while it is so, 1 when the behaviour changed.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"${PYTHON:-python3}" -m venv "$place/venv"
cat > "$place/write.py" <<'PYTHON'
import apsw

SCHEMA = """
create table text(id integer primary key, body text);
create virtual table found using fts5(body, content='text', content_rowid='id');
create trigger text_added after insert on text begin
    insert into found(rowid, body) values (new.id, new.body);
end;
"""


def written(trusted: str) -> str:
    cursor = apsw.Connection(":memory:").cursor()
    cursor.execute(SCHEMA)
    cursor.execute(f"pragma trusted_schema = {trusted}")
    try:
        cursor.execute("insert into text(body) values ('hello')")
    except apsw.SQLError as error:
        return str(error).removeprefix("SQLError: ")
    [(count,)] = cursor.execute("select count(*) from found where found match 'hello'")
    return "written and found" if count == 1 else "written and not found"


print(f"SQLite {apsw.sqlitelibversion()}: trusted: {written('on')}; untrusted: {written('off')}")
PYTHON
for version in 3.40.1.0 3.43.1.0 3.44.0.0; do
    "$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check "apsw==$version"
    "$place/venv/bin/python" "$place/write.py" | tee -a "$place/said"
done
sed -n 's/^#   \(SQLite .*\)/\1/p' "$0" | cmp -s - "$place/said" || { echo "the behaviour changed"; exit 1; }
