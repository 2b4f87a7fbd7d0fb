"""Takes the examples out of a page: all blocks of a language, in order, are one program.

    examples.py PAGE BASE FOLDER

BASE replaces the address that the page has, http://127.0.0.1:8080."""

import pathlib
import re
import sys

page, base, folder = sys.argv[1:]
text = pathlib.Path(page).read_text()
for language, name in [("sh", "example.sh"), ("ts", "example.ts"), ("python", "example.py")]:
    blocks = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks, f"{page} has no {language}"
    program = "\n".join(blocks).replace("http://127.0.0.1:8080", base)
    pathlib.Path(folder, name).write_text(program)
