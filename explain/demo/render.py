"""Pictures of the synthetic person, without a display: VTK draws, pyvista sets it up.

The clip is made with:  python -m demeanor.explain.demo.render --face-model ict_face.npz -o DIR
"""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from demeanor.explain.demo.face_model import FaceModel
from demeanor.explain.demo.paint import Look, hair_thickness_cm, paint_eye, paint_skin
from demeanor.explain.demo.surface import EYEBALLS, SKIN_PARTS, smoothstep, vertex_normals
from demeanor.explain.errors import MissingExtra

EYES = tuple(zip(EYEBALLS, ("_L", "_R"), strict=True))
LIDS = {"_R": (37, 41), "_L": (44, 46)}  # of the 68 landmarks: upper, lower
LIPS = (62, 66)
LOOK_DEG = 28.0  # turn of the eyeball at weight 1; the model's own eyeLook moves lids only
PIVOT_CM = np.array([0.0, -7.0, 1.0], np.float32)  # top of the neck: heads turn there
Lamps = tuple[tuple[tuple[float, float, float], float], ...]  # where, how bright
LAMPS: Lamps = (((-28, 30, 60), 0.74), ((45, 8, 45), 0.44))
OVERSAMPLING = 2  # drawn larger and averaged: smooth edges without relying on the driver


def _pyvista() -> Any:
    try:
        import pyvista
    except ImportError as error:
        raise MissingExtra("Rendering the demo clip", "pyvista", "demo") from error
    return pyvista


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> np.ndarray:
    """(3, 3). Positive: to the person's own left, up, tilted to the own left shoulder."""
    y, p, r = np.radians([yaw_deg, -pitch_deg, -roll_deg])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return np.asarray(turn @ nod @ tilt, np.float32)


class FaceRenderer:
    """Draws one person. The same arguments give the same picture, bit for bit."""

    def __init__(
        self,
        model: FaceModel,
        look: Look | None = None,
        size_px: int = 480,
        lamps: Lamps = LAMPS,
    ) -> None:
        self.model, self.look, self.size_px, self._lamps = model, look or Look(), size_px, lamps
        self._pv = _pyvista()
        self._hair_cm = hair_thickness_cm(model.neutral)[:, None].astype(np.float32)
        self._plotter = self._pv.Plotter(
            off_screen=True, window_size=(size_px * OVERSAMPLING, size_px * OVERSAMPLING)
        )
        self._shoulders = _shoulders(model.neutral)
        self._plotter.render_window.SetMultiSamples(0)  # drawn larger instead
        self._set_stage()
        self._add_skin()
        self._add_inside()
        self._add_eyes()

    def render(
        self,
        weights: Mapping[str, float],
        identity: np.ndarray | None = None,
        yaw_deg: float = 0.0,
        pitch_deg: float = 0.0,
        roll_deg: float = 0.0,
    ) -> np.ndarray:
        """The picture, (size_px, size_px, 3) uint8 RGB."""
        points = self.model.shape(weights, identity)
        head = rotation(yaw_deg, pitch_deg, roll_deg)
        turned = self._turn(points, head)
        self._move_skin(turned)
        self._move_inside(points, turned)
        self._move_eyes(points, weights, head)
        self._plotter.render()
        picture = self._plotter.screenshot(return_img=True)[..., :3]
        size = (self.size_px, self.size_px)
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)

    def repaint(self, skin: np.ndarray) -> None:
        """Another texture of the skin, laid out as `skin` is: with furrows, say."""
        self._texture.SetInputDataObject(self._pv.Texture(skin).GetInput())

    def close(self) -> None:
        self._plotter.close()

    def _set_stage(self) -> None:
        pv, plotter = self._pv, self._plotter
        ground = np.array(self.look.background) / 255
        plotter.set_background(0.88 * ground, top=np.minimum(1.06 * ground, 1.0))
        plotter.camera.position = (0, 0.9, 92)
        plotter.camera.focal_point = (0, 0.9, 0)
        plotter.camera.up = (0, 1, 0)
        plotter.camera.view_angle = 18.6
        plotter.remove_all_lights()
        for position, intensity in self._lamps:
            plotter.add_light(
                pv.Light(position=position, focal_point=(0, 0, 5), intensity=intensity)
            )

    def _mesh(self, points: np.ndarray, triangles: np.ndarray) -> Any:
        faces = np.c_[np.full(len(triangles), 3), triangles]
        return self._pv.PolyData(points.astype(np.float32), faces)

    def _add_skin(self) -> None:
        model = self.model
        chosen = model.triangles_of(*SKIN_PARTS)
        used, triangles = np.unique(model.triangles_uv[chosen], return_inverse=True)
        vertex_of = np.zeros(len(model.uv), np.int64)
        vertex_of[model.triangles_uv[chosen]] = model.triangles[chosen]
        self._skin_vertices = vertex_of[used]
        self._skin_triangles = model.triangles[chosen]
        self._skin = self._mesh(model.neutral[self._skin_vertices], triangles.reshape(-1, 3))
        self._skin.active_texture_coordinates = model.uv[used] * np.array([0.5, 1.0], np.float32)
        self._skin.point_data["Normals"] = np.zeros((len(used), 3), np.float32)
        self.skin = paint_skin(model, self.look)
        self._texture = self._pv.Texture(self.skin)
        self._texture.interpolate = True
        self._plotter.add_mesh(
            self._skin,
            texture=self._texture,
            smooth_shading=True,
            ambient=0.28,
            diffuse=0.85,
            specular=0.12,
            specular_power=14,
        )

    def _move_skin(self, points: np.ndarray) -> None:
        normals = vertex_normals(points, self._skin_triangles)
        grown = points + normals * self._hair_cm
        self._skin.points = grown[self._skin_vertices]
        self._skin.point_data["Normals"] = normals[self._skin_vertices]

    def _add_inside(self) -> None:
        """Teeth, gums and tongue, darker further in."""
        model = self.model
        colours = {"M_GumsTongue": (120, 52, 52), "M_Teeth": (226, 220, 206)}
        chosen = model.triangles_of(*colours)
        self._inside_vertices, triangles = np.unique(model.triangles[chosen], return_inverse=True)
        self._inside_triangles = triangles.reshape(-1, 3)
        self._inside = self._mesh(model.neutral[self._inside_vertices], self._inside_triangles)
        shades = np.zeros((len(model.neutral), 3), np.float32)
        for part, colour in colours.items():
            shades[model.vertices_of(part)] = colour
        shades *= np.clip((model.neutral[:, 2:] - 5.5) / 5.0, 0.15, 1.0)
        self._inside_colours = shades[self._inside_vertices]
        self._inside.point_data["colour"] = self._inside_colours.astype(np.uint8)
        self._inside.point_data["Normals"] = np.zeros_like(self._inside.points)
        self._plotter.add_mesh(
            self._inside, scalars="colour", rgb=True, ambient=0.15, diffuse=0.75, specular=0.1
        )

    def _move_inside(self, points: np.ndarray, turned: np.ndarray) -> None:
        """Between lips that touch no light reaches the teeth; through open lips it does."""
        light = self._light_between(points, LIPS, (0.12, 0.55))
        self._inside.points = turned[self._inside_vertices]
        self._inside.point_data["colour"] = (light * self._inside_colours).astype(np.uint8)
        self._inside.point_data["Normals"] = vertex_normals(
            self._inside.points, self._inside_triangles
        )

    def _add_eyes(self) -> None:
        self._eyes = []
        for part, _ in EYES:
            vertices = self.model.vertices_of(part)
            triangles = np.searchsorted(
                vertices, self.model.triangles[self.model.triangles_of(part)]
            )
            mesh = self._mesh(self.model.neutral[vertices], triangles).subdivide(2)
            offsets = 0.97 * (mesh.points - _centre(self.model.neutral[vertices]))  # clears lids
            colours = paint_eye(offsets, self.look)
            mesh.point_data["colour"] = colours.astype(np.uint8)
            mesh.point_data["Normals"] = offsets
            self._plotter.add_mesh(
                mesh,
                scalars="colour",
                rgb=True,
                ambient=0.3,
                diffuse=0.7,
                specular=0.5,
                specular_power=60,
            )
            self._eyes.append((mesh, vertices, offsets, colours))

    def _move_eyes(
        self, points: np.ndarray, weights: Mapping[str, float], head: np.ndarray
    ) -> None:
        for (mesh, vertices, offsets, colours), (_, side) in zip(self._eyes, EYES, strict=True):
            turn = head @ rotation(*_gaze_deg(weights, side), 0.0)
            centre = (_centre(points[vertices]) - PIVOT_CM) @ head.T + PIVOT_CM
            mesh.points = offsets @ turn.T + centre
            shade = 1 - 0.5 * smoothstep(0.0, 1.1, (offsets @ turn.T @ head)[:, 1:2])  # of the lid
            shade = shade * self._light_between(points, LIDS[side], (0.1, 0.5))
            mesh.point_data["colour"] = (colours * shade).astype(np.uint8)
            unit = offsets / np.linalg.norm(offsets, axis=1, keepdims=True)
            mesh.point_data["Normals"] = (unit @ turn.T).astype(np.float32)

    def _light_between(
        self, points: np.ndarray, edges: tuple[int, int], gap_cm: tuple[float, float]
    ) -> np.ndarray:
        """Share of the light that passes between two of the 68 landmarks, 0.1 to 1."""
        upper, lower = points[self.model.landmarks68[list(edges)]]
        return 0.1 + 0.9 * smoothstep(*gap_cm, np.linalg.norm(upper - lower))

    def _turn(self, points: np.ndarray, head: np.ndarray) -> np.ndarray:
        """The head turns, the shoulders stay, the neck lies between."""
        share = smoothstep(-15.0, -7.0, self.model.neutral[:, 1:2]).astype(np.float32)
        turned = (points - PIVOT_CM) @ head.T + PIVOT_CM
        return np.asarray(self._shoulders * (points * (1 - share) + turned * share))


def _gaze_deg(weights: Mapping[str, float], side: str) -> tuple[float, float]:
    """Yaw and pitch of one eyeball from the eyeLook weights."""

    def weight(name: str) -> float:
        return weights.get(name + side, weights.get(name, 0.0))

    outward = weight("eyeLookOut") - weight("eyeLookIn")
    yaw = outward if side == "_L" else -outward
    return LOOK_DEG * yaw, LOOK_DEG * (weight("eyeLookUp") - weight("eyeLookDown"))


def _shoulders(neutral: np.ndarray) -> np.ndarray:
    """Factors (n, 3) that widen the model's narrow bust until it leaves the picture."""
    factors = np.ones_like(neutral)
    factors[:, 0] += 0.75 * smoothstep(-13.0, -18.5, neutral[:, 1])
    return factors


def _centre(points: np.ndarray) -> np.ndarray:
    return np.asarray((points.min(0) + points.max(0)) / 2)


if __name__ == "__main__":
    from demeanor.explain.demo.clip import main

    raise SystemExit(main())
