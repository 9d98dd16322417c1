"""Links of the documentation to files of the repository that are not part of the site.

On the site they lead to the repository, where the files are. The first page is the README.
"""

import os
import re
import tempfile

REPOSITORY = "https://github.com/prodready/collector/blob/main/"
README = tempfile.TemporaryDirectory()
LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")


def on_files(files, config):
    from mkdocs.structure.files import File

    folder = README.name
    with open(os.path.join(os.path.dirname(config["config_file_path"]), "README.md")) as readme:
        text = readme.read()
    with open(os.path.join(folder, "index.md"), "w") as index:
        index.write(text)
    files.append(File("index.md", folder, config["site_dir"], config["use_directory_urls"]))
    return files


def on_page_markdown(markdown, page, config, files):
    root = os.path.dirname(config["config_file_path"])
    readme = page.file.src_path == "index.md"
    folder = "" if readme else os.path.join("docs", os.path.dirname(page.file.src_path))

    def replace(match):
        target = match.group(2)
        if "://" in target or target.startswith(("mailto:", "/")):
            return match.group(0)
        path = os.path.normpath(os.path.join(folder, target))
        if path.startswith("docs/") and files.get_file_from_path(path[len("docs/"):]):
            if readme:
                return match.group(1) + path[len("docs/"):] + match.group(3)
            return match.group(0)
        if os.path.exists(os.path.join(root, path)):
            return match.group(1) + REPOSITORY + path + match.group(3)
        return match.group(0)

    markdown = LINK.sub(replace, markdown)
    if readme:
        markdown = re.sub(r'((?:src|srcset)=")docs/', r"\1", markdown)
    return markdown
