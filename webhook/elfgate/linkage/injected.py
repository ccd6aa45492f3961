"""Libraries that the node's container runtime puts into a container.

Not in the image, and not missing.

Sources: nvidia-container-toolkit (``libnvidia-container`` ``src/nvc_info.c`` and its CSV files for
Tegra). ``fnmatch`` patterns of the names by which programs need them.
"""

INJECTED = (
    "libcuda.so*",
    "libcudadebugger.so*",
    "libnvidia-*.so*",
    "libnvcuvid.so*",
    "libnvoptix.so*",
    "libnvrm*.so*",
    "libnvos.so*",
    "libnvbufsurf*.so*",
    "libnvcucompat.so*",
    "libGLX_nvidia.so*",
    "libEGL_nvidia.so*",
    "libGLESv1_CM_nvidia.so*",
    "libGLESv2_nvidia.so*",
    "libvdpau_nvidia.so*",
)
