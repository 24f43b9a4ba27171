"""Read Wavefront OBJ text: as much of it as ICT-FaceKit uses.

Vertices, texture coordinates, faces of three or more corners, and the material of each face.
"""

from dataclasses import dataclass

import numpy as np

from demeanor.explain.errors import ModelFileError


@dataclass(frozen=True, slots=True, eq=False)
class ObjMesh:
    vertices: np.ndarray  # (n, 3) float64
    uv: np.ndarray  # (m, 2) float64
    triangles: np.ndarray  # (t, 3) int64, into vertices
    triangles_uv: np.ndarray  # (t, 3) int64, into uv; 0 where a corner names none
    part: np.ndarray  # (t,) int64, into part_names
    part_names: tuple[str, ...]


def read_obj(text: str, name: str) -> ObjMesh:
    """Faces become fans of triangles. Raises ModelFileError, with the line, for anything else."""
    vertices: list[list[float]] = []
    uv: list[list[float]] = []
    corners: list[list[tuple[int, int]]] = []
    part: list[int] = []
    part_names: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        key, *values = line.split() or [""]
        try:
            if key == "v":
                vertices.append(_numbers(values, 3))
            elif key == "vt":
                uv.append(_numbers(values, 2))
            elif key == "usemtl":
                part_names.append(values[0])
            elif key == "f":
                fan = _fan([_corner(v, len(vertices), len(uv)) for v in values])
                corners += fan
                part += [max(0, len(part_names) - 1)] * len(fan)
        except (ValueError, IndexError) as error:
            raise ModelFileError(f"{name}, line {number}: not readable as OBJ: {line!r}") from error
    if not vertices:
        raise ModelFileError(f"{name}: wanted an OBJ mesh, found no vertices")
    return _mesh(vertices, uv, corners, part, part_names or ["all"])


def _mesh(
    vertices: list[list[float]],
    uv: list[list[float]],
    corners: list[list[tuple[int, int]]],
    part: list[int],
    part_names: list[str],
) -> ObjMesh:
    """A material may be taken up again: its faces are one part."""
    names = tuple(dict.fromkeys(part_names))
    number = np.array([names.index(n) for n in part_names], np.int64)
    both = np.array(corners, np.int64).reshape(-1, 3, 2)
    return ObjMesh(
        vertices=np.array(vertices),
        uv=np.array(uv).reshape(-1, 2),
        triangles=both[:, :, 0],
        triangles_uv=both[:, :, 1],
        part=number[np.array(part, np.int64)],
        part_names=names,
    )


def _numbers(values: list[str], n: int) -> list[float]:
    if len(values) < n:
        raise ValueError(f"wanted {n} numbers")
    return [float(v) for v in values[:n]]


def _corner(text: str, n_vertices: int, n_uv: int) -> tuple[int, int]:
    """ "7", "7/3" or "7/3/9" as indices from 0. Negative numbers count from the end."""
    vertex, uv = [*text.split("/"), ""][:2]
    return _index(vertex, n_vertices), _index(uv, n_uv) if uv else 0


def _index(text: str, n: int) -> int:
    number = int(text)
    index = number - 1 if number > 0 else n + number
    if not 0 <= index < n:
        raise IndexError(f"{number} of {n}")
    return index


def _fan(corners: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    if len(corners) < 3:
        raise ValueError("a face has three corners at least")
    return [[corners[0], corners[i], corners[i + 1]] for i in range(1, len(corners) - 1)]
