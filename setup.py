"""Package LangFlix from settings.ini, which nbdev reads too, so that each fact is written once."""

from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
config = ConfigParser(delimiters=["="])
config.read(HERE / "settings.ini", encoding="utf-8")
project = config["DEFAULT"]

extras = {name: project[f"{name}_requirements"].split() for name in project["extras"].split()}

setup(
    name=project["lib_name"],
    version=project["version"],
    description=project["description"],
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=project["author"],
    author_email=project["author_email"],
    url=project["git_url"],
    keywords=project["keywords"].split(),
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Education",
        "Natural Language :: English",
        "Programming Language :: Python :: 3",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13)),
    ],
    python_requires=f">={project['min_python']}",
    packages=find_packages(include=["langflix", "langflix.*"]),
    package_data={"langflix": ["py.typed", "data/**/*"]},
    exclude_package_data={"": ["*.pyc"]},
    install_requires=project["requirements"].split(),
    extras_require=extras,
    entry_points={"console_scripts": project["console_scripts"].split()},
    zip_safe=False,
)
