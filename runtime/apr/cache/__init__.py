"""Models by name: the alias table, the cache folder, and `pull`, which brings a model into it checked or not at all."""

from apr.cache.aliases import Alias, find_alias, load_aliases
from apr.cache.base import MakeMeter, Meter, Patience, Pulled, PullError
from apr.cache.listing import Listed, list_models
from apr.cache.place import cache_dir, models_dir
from apr.cache.pulling import model_path, pull
from apr.cache.resolve import resolve_folder, resolve_model

__all__ = [
    "Alias",
    "Listed",
    "MakeMeter",
    "Meter",
    "Patience",
    "PullError",
    "Pulled",
    "cache_dir",
    "find_alias",
    "list_models",
    "load_aliases",
    "model_path",
    "models_dir",
    "pull",
    "resolve_folder",
    "resolve_model",
]
