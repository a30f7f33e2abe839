"""Files in the layout in which ArviZ saves an InferenceData: HDF5 groups with shared dimensions."""

import h5py
import numpy as np


def save(path, groups, attrs=()):
    """Write groups of ``{name: (dims, values)}``; a dimension's own name holds its labels."""
    with h5py.File(path, "w", track_order=True) as file:
        for name, value in dict(attrs).items():
            file.attrs[name] = value
        for group, variables in groups.items():
            made = file.create_group(group, track_order=True)
            made.attrs["created_at"] = "2026-11-30T00:00:00"
            sizes = {
                dim: size
                for dims, values in variables.values()
                for dim, size in zip(dims, np.shape(values), strict=True)
            }
            for dim, size in sizes.items():
                labels = variables.get(dim, ((), np.arange(size)))[1]
                _write(made, dim, labels).make_scale(dim)
            for name, (dims, values) in variables.items():
                if name not in sizes:
                    data = _write(made, name, values)
                    for at, dim in enumerate(dims):
                        data.dims[at].attach_scale(made[dim])
    return path


def _write(group, name, values):
    array = np.asarray(values)
    if array.dtype.kind in "UO":
        return group.create_dataset(name, data=list(array), dtype=h5py.string_dtype())
    packed = {"compression": "gzip", "shuffle": True} if array.ndim > 1 else {}
    return group.create_dataset(name, data=array, **packed)
