"""Packaging of tfvae: what it needs, what it installs."""

import pathlib
import re

from setuptools import find_packages, setup

ROOT = pathlib.Path(__file__).parent
EMBEDDINGS = ["sentence-transformers"]  # --features=MODEL
SERVING = ["mlserver"]  # tfvae-serve
SPARK = ["pyspark"]  # tfvae-encode --engine=spark
BEAM = ["apache-beam"]  # tfvae-encode --engine=beam, in an environment of its own: it admits older packages than constraints.txt
RAY = ["ray"]  # tfvae-encode --engine=ray
DOCS = ["ipykernel", "mkdocs-jupyter", "mkdocs-material", "mkdocstrings[python]", "nbclient"]  # mkdocs serve, and the notebooks
BENCHMARKS = ["torch==2.13.0"]  # the peers of scripts/benchmark.py, which may have an environment of their own
COMMANDS = (
    "train",
    "generate",
    "chat",
    "reconstruct",
    "interpolate",
    "encode",
    "predict",
    "topics",
    "evaluate",
    "results",
    "prepare_data",
    "shard",
    "tune",
    "export",
    "pack",
    "report",
    "serve",
    "serve_client",
)


def version() -> str:
    """Returns tfvae's version without importing it, since that would need TensorFlow at build time."""
    text = (ROOT / "tfvae" / "version.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE).group(1)


setup(
    name="tfvae",
    version=version(),
    description="Variational auto-encoders that learn interpretable latent spaces of text and images, on TensorFlow and Keras 3",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords="variational-autoencoder text latent-variable-model mixture interpretability tensorflow keras",
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Text Processing :: Linguistic",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["tfvae", "tfvae.*", "tuning"]),
    package_data={"tfvae": ["py.typed", "reports/templates/*.html", "zoo/*/*"]},
    python_requires=">=3.11,<3.13",
    install_requires=[
        "absl-py",
        "jinja2",
        "keras>=3.15,<3.16",
        "keras-tuner[bayesian]==1.4.*",
        "matplotlib",
        "numpy",
        "pyarrow",
        "rich",
        "sacrebleu",
        "scikit-learn",
        "scipy",
        "setuptools",  # TensorFlow Probability imports distutils
        "tensorboard==2.21.*",
        "tensorflow==2.21.*",
        "tensorflow-probability==0.25.*",
        "tensorflow-serving-api==2.21.*",  # the warm-up requests of an export, and the client
        "tensorflow-text==2.21.*",
        "tf-keras==2.21.*",  # TensorFlow Probability imports it and does not declare it
    ],
    extras_require={
        "beam": BEAM,
        "benchmarks": BENCHMARKS,
        "docs": DOCS,
        "embeddings": EMBEDDINGS,
        "ray": RAY,
        "serving": SERVING,
        "spark": SPARK,
        "dev": [
            *SERVING,
            *DOCS,
            "build",
            "gensim",
            "hypothesis",
            "import-linter",
            "mpmath",
            "mypy",
            "pandas",
            "pytest",
            "pytest-xdist",
            "ruff",
        ],
    },
    entry_points={"console_scripts": [f"tfvae-{name.replace('_', '-')}=tfvae.cli.{name}:main" for name in COMMANDS]},
)
