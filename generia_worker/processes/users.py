"""Looking after the people of a gateway: `generia users …`, or `python -m generia_worker.processes.users …` in its image."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from generia_worker.errors import ConflictError
from generia_worker.processes import Dollars, reports_errors
from generia_worker.settings import Settings, get_settings
from generia_worker.text import printable

if TYPE_CHECKING:
    from generia_worker.billing.allowances import Allowances
    from generia_worker.gateway.accounts import Account, Accounts

#: As `generia_worker/gateway/accounts.py::Role` has them.
ROLES = ("admin", "user")


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose people are meant, and how to answer; `settings` is None where this process's own are meant."""

    settings: Settings | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class _People:
    settings: Settings
    accounts: Accounts
    allowances: Allowances


@contextmanager
def _people(asked: Asked) -> Iterator[_People]:
    # Every command of `generia` imports this module, and few need these.
    from generia_worker.billing.allowances import Allowances, Caps
    from generia_worker.gateway.accounts import Accounts
    from generia_worker.storage.database import Database
    from generia_worker.storage.mongo import utc_now

    s = asked.settings or get_settings()
    database = Database(s.mongo_uri.get_secret_value(), s.mongo_database, max_pool_size=2)
    try:
        accounts = Accounts(database.database["accounts"], utc_now)
        accounts.prepare()
        caps = Caps(s.daily_worlds_person, s.daily_usd_person, s.daily_usd_all)
        yield _People(s, accounts, Allowances(database, caps))
    finally:
        database.close()


@click.group()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@click.pass_context
def users(context: click.Context, as_json: bool) -> None:
    """Look after those who may use the gateway."""
    context.obj = Asked(as_json=as_json)


@users.command("list")
@click.pass_obj
@reports_errors
def list_all(asked: Asked) -> None:
    """List everybody, and what today still allows them."""
    rows = []
    with _people(asked) as people:
        for one in people.accounts.all():
            left = people.allowances.left(one.id).model_dump(mode="json")
            rows.append(_shown(one) | {name: left[name] for name in ("worlds_left", "usd_left")})
    if asked.as_json:
        _say(json.dumps(rows))
        return
    for row in rows:
        limits = [f"{row['worlds_left']} worlds"] if row["worlds_left"] is not None else []
        limits += [f"${row['usd_left']:.2f}"] if row["usd_left"] is not None else []
        left_today = f"  today left: {' and '.join(limits)}" if limits else ""
        state = "  locked" if row["locked"] else ""
        name = _padded(str(row["username"]), 24)
        _say(f"{name} {row['email']:<32} {row['role']}{state}{left_today}")


@users.command()
@click.pass_obj
@reports_errors
def invite(asked: Asked) -> None:
    """Print a link with which one person may register, within a week."""
    with _people(asked) as people:
        link = f"{people.settings.gateway_url}/#invitation={people.accounts.invite()}"
    _say(json.dumps({"link": link}) if asked.as_json else link)


@users.command()
@click.argument("name")
@click.pass_obj
@reports_errors
def lock(asked: Asked, name: str) -> None:
    """Shut NAME out; their sessions end."""
    _change_lock(asked, name, locked=True)


@users.command()
@click.argument("name")
@click.pass_obj
@reports_errors
def unlock(asked: Asked, name: str) -> None:
    """Let NAME in again."""
    _change_lock(asked, name, locked=False)


def _change_lock(asked: Asked, name: str, *, locked: bool) -> None:
    with _people(asked) as people:
        people.accounts.lock(people.accounts.named(name).id, locked=locked)
        _tell(asked, people.accounts.named(name))


@users.command()
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@click.pass_obj
@reports_errors
def role(asked: Asked, name: str, role: str) -> None:
    """Make NAME an admin, who looks after everybody's worlds, or a user."""
    from generia_worker.gateway.accounts import Role

    with _people(asked) as people:
        people.accounts.set_role(people.accounts.named(name).id, Role(role))
        _tell(asked, people.accounts.named(name))


@users.command()
@click.argument("name")
@click.option("--worlds", type=click.IntRange(min=0), help="Worlds that they may make a day.")
@click.option("--usd", type=Dollars(min=0), help="Dollars that these may cost a day.")
@click.option("--default", "as_all", is_flag=True, help="Let them have the limits of everybody.")
@click.pass_obj
@reports_errors
def cap(asked: Asked, name: str, worlds: int | None, usd: float | None, as_all: bool) -> None:
    """Give NAME limits of their own."""
    if as_all == (worlds is not None or usd is not None):
        raise click.UsageError("Say --worlds, --usd or both; or --default.")
    with _people(asked) as people:
        found = people.accounts.named(name)
        if as_all:
            people.allowances.forget_caps(found.id)
        else:
            people.allowances.set_caps(found.id, worlds=worlds, usd=usd)
        left = people.allowances.left(found.id).model_dump(mode="json")
    _say(json.dumps(left) if asked.as_json else f"{found.username}: {_most(left)}")


@users.command("reset-password")
@click.argument("name")
@click.pass_obj
@reports_errors
def reset_password(asked: Asked, name: str) -> None:
    """Print a new password of NAME; their sessions end."""
    with _people(asked) as people:
        found = people.accounts.named(name)
        if not found.email:
            raise ConflictError(f"{found.username} has no password: see 'generia login'.")
        password = people.accounts.reset_password(found.id)
    _say(json.dumps({"username": found.username, "password": password}) if asked.as_json else password)


def _padded(text: str, width: int) -> str:
    """Return a text with spaces to its `width` in a terminal, where some letters take two columns and marks none."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    marks = sum(unicodedata.category(char) in ("Mn", "Me") for char in text)
    return text + " " * (width - len(text) - wide + marks)


def _say(text: str) -> None:
    """Print a line; names are what people made up."""
    sys.stdout.write(printable(text) + "\n")


def _shown(account: Account) -> dict[str, object]:
    return {
        "id": account.id,
        "username": account.username,
        "email": account.email,
        "role": account.role.value,
        "locked": account.locked,
    }


def _tell(asked: Asked, account: Account) -> None:
    if asked.as_json:
        _say(json.dumps(_shown(account)))
    else:
        state = "locked" if account.locked else account.role.value
        _say(f"{account.username}: {state}")


def _most(left: dict[str, object]) -> str:
    worlds = "any number of worlds" if left["worlds_most"] is None else f"{left['worlds_most']} worlds"
    usd = "any number of dollars" if left["usd_most"] is None else f"${left['usd_most']:.2f}"
    return f"{worlds} and {usd} a day"


if __name__ == "__main__":
    users()
