"""A small server on whichever FastMCP is installed: two tools, a resource, a template and a prompt.

    fastmcp_any.py [--http PORT | --sse PORT]      (stdio without either)
"""

import argparse

from fastmcp import FastMCP

server = FastMCP("hawkeye-tiny-fastmcp", instructions="Ask for the weather; it is always fine.")


@server.tool
def convert(celsius: float) -> float:
    """Turn degrees Celsius into degrees Fahrenheit."""
    return celsius * 9 / 5 + 32


@server.tool
def stations(readings: dict[str, list[float]]) -> list[str]:
    """Name the stations that have readings."""
    return [name for name, values in readings.items() if values]


@server.resource("tiny://atlas")
def atlas() -> str:
    return "Here"


@server.resource("tiny://place/{name}")
def place(name: str) -> str:
    return name


@server.prompt
def plan_trip(place: str) -> str:
    """Plan a trip."""
    return f"Plan a trip to {place}."


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", type=int, metavar="PORT")
    parser.add_argument("--sse", type=int, metavar="PORT")
    flags = parser.parse_args()
    if flags.http:
        server.run(transport="http", host="127.0.0.1", port=flags.http)
    elif flags.sse:
        server.run(transport="sse", host="127.0.0.1", port=flags.sse)
    else:
        server.run()
