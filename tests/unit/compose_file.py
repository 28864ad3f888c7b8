"""docker-compose.yml and the Dockerfiles as data, read without an engine."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DATABASE_PORT = (ROOT / "docker/database-port.yml").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
_VARIABLE = re.compile(r"(?<!\$)\$(?:\{(\w+)([^}]*)\}|(\w+))")


def services(text=COMPOSE, **environment):
    """The services as Compose would see them with these variables set."""
    return yaml.safe_load(substituted(text, environment))["services"]


def substituted(text, environment):
    """Put in variables, or their default where they are unset or blank."""

    def value(match):
        name, rest = match[1] or match[3], match[2] or ""
        if environment.get(name):
            return environment[name]
        assert rest.startswith(":-"), f"{match[0]}: with no default, or one that a blank value does not get"
        return rest[2:]

    return _VARIABLE.sub(value, text)


def variables(text=COMPOSE):
    """Every variable that the file reads from the environment or .env, with its default ("": passed on as it is)."""
    found = {match[1] or match[3]: (match[2] or "")[2:] for match in _VARIABLE.finditer(text)}
    for service in services(text).values():
        passed_on = [name for name, value in service.get("environment", {}).items() if value is None]
        found |= dict.fromkeys(passed_on, "")
    return found


def example(text=EXAMPLE):
    """What a copy of .env.example sets (True) or names in a comment (False), with the value."""
    lines = re.findall(r"^(#?)(\w+)=(.*)$", text, re.MULTILINE)
    return {name: (value, not comment) for comment, name, value in lines}


def dockerfiles():
    """Every Dockerfile of the repository by its path."""
    paths = [*ROOT.glob("Dockerfile*"), *ROOT.glob("docker/*Dockerfile"), *ROOT.glob("deployment/Dockerfile")]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


def instructions(text):
    """The instructions of a Dockerfile, each on one line, without comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [re.sub(r"\s+", " ", line).strip() for line in joined.splitlines() if line.strip()]


def stages(text):
    """The stages of a Dockerfile, in order: name ("" if it has none) to instructions."""
    found = []
    for instruction in instructions(text):
        if instruction.startswith("FROM "):
            found.append((instruction.partition(" AS ")[2], []))
        found[-1][1].append(instruction)
    return dict(found)


def final_stage(service):
    """The instructions of the stage that a service of ours runs."""
    build = service["build"]
    text = dockerfiles()[build.get("dockerfile", "Dockerfile")]
    return stages(text)[build.get("target", "")]
