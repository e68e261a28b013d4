"""The n-body simulation in Python's floats, which are IEEE 754 doubles, in the order of operations of the job."""

from decimal import Decimal
from math import sqrt


def show(number: float) -> str:
    """The shortest digits that read back as the same double, without an exponent."""
    return format(Decimal(repr(number)), "f").removesuffix(".0")


def square(v):
    return v[0] * v[0] + v[1] * v[1] + v[2] * v[2]


def energy(bodies) -> float:
    total = 0.0
    for i, (mass, position, velocity) in enumerate(bodies):
        total += 0.5 * mass * square(velocity)
        for other_mass, other_position, _ in bodies[i + 1:]:
            total -= mass * other_mass / sqrt(square([a - b for a, b in zip(position, other_position)]))
    return total


def advance(bodies, dt: float):
    for i, (mass, position, velocity) in enumerate(bodies):
        for other_mass, other_position, other_velocity in bodies[i + 1:]:
            d = [a - b for a, b in zip(position, other_position)]
            magnitude = dt / (square(d) * sqrt(square(d)))
            for axis in range(3):
                velocity[axis] -= d[axis] * (other_mass * magnitude)
                other_velocity[axis] += d[axis] * (mass * magnitude)
    for _, position, velocity in bodies:
        for axis in range(3):
            position[axis] += velocity[axis] * dt


def run(data: bytes) -> bytes:
    first, *lines = data.decode().splitlines()
    steps, dt = first.split()
    numbers = [[float(field) for field in line.split()] for line in lines]
    bodies = [(mass, [x, y, z], [vx, vy, vz]) for mass, x, y, z, vx, vy, vz in numbers]
    output = [f"energy before {show(energy(bodies))}"]
    for _ in range(int(steps)):
        advance(bodies, float(dt))
    output.append(f"energy after {show(energy(bodies))}")
    output.extend(" ".join(map(show, position + velocity)) for _, position, velocity in bodies)
    return "".join(line + "\n" for line in output).encode()
