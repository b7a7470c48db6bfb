"""What a training run takes of a device's memory, told before anything is loaded.

The model is built, and goes through one micro-batch, on tensors without content (torch's fake tensors), which tells what autograd
would keep of that architecture; weights, gradients and the optimizer's moments are counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from kit.models.checkpoint import TINY, Checkpoint, read
from kit.models.tokens import Tokens
from kit.sources.published import local
from kit.train.data import load_sources
from kit.train.dealing import Split, schedule_of
from kit.train.recipes import TrainConfig
from kit.train.start import adapted, check_start, tokens_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LIBRARIES = 200_000_000
"""Bytes that a process holds beside a model once it trains on a CPU: tokenizer, rows, and the libraries' code (measured
by tests/train/test_memory.py)."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes on one device, at the peak. activations: what is kept of a micro-batch for its backward pass; loss: of its logits,
    and of the gradients of the largest weights, what is there at once; other: the copies that a way of training makes."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    loss: int
    other: int

    @property
    def total(self) -> int:
        return sum(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, slots=True)
class Outlook:
    """A run's memory. rows, width: of its largest micro-batch, in tokens; available: bytes of a device; fits: the most
    rows that it could take at once, 0 where not one fits."""

    memory: Memory
    rows: int
    width: int
    parameters: int
    trained: int
    available: int
    fits: int


def outlook(config: TrainConfig, data: str, model: str, kept: Path | None = None) -> Outlook:
    """What a run would take. kept: where its rows lie, if they do. Raises KitError as the run would for its settings, data and
    model."""
    import torch

    checkpoint = None if model == TINY else read(model)
    check_start(config, checkpoint)
    here = config.model_copy(update={name: local(source) for name, source in config.sources().items()})
    tokens = tokens_of(here, local(data), checkpoint)
    window = checkpoint.window if checkpoint else here.tiny.positions
    sources = load_sources(here, local(data), tokens, window, kept).sources
    schedule = schedule_of(here, sources)
    batch = sum(here.mixture().values())
    lengths = schedule.lengths.tolist()

    def width(rows: int) -> int:
        """Of the widest micro-batch."""
        ordered = [lengths[start : start + batch] for start in range(0, len(lengths), batch)]
        of = sum if here.packing else max
        return max(of(step[i : i + rows]) for step in ordered for i in range(0, batch, rows))

    def at(most: int | None) -> tuple[Memory, int, int]:
        split = Split.of(batch, here.devices, most)
        wide = width(split.rows)
        return taken(here, counted, split, wide), split.rows, wide

    counted = Counted(here, tokens, checkpoint)
    memory, rows, wide = at(here.micro_batch)
    available = _available(torch)
    fits, low, high = 0, 1, math.ceil(batch / here.devices)
    while low <= high:  # more rows take more
        middle = (low + high) // 2
        needed, held, _ = at(middle)
        if needed.total <= available:
            fits, low = held, middle + 1
        else:
            high = middle - 1
    return Outlook(memory, rows, wide, counted.parameters, counted.trained, available, fits)


def too_much(config: TrainConfig, data: str, model: str, rows: Path) -> str:
    """What to do when a run was out of memory."""
    found = outlook(config, data, model, rows)
    fits = min(found.fits, found.rows - 1)
    fewer = f"set -o micro_batch={fits}, or " if fits else "a single row is too much: "
    return f"the device ran out of memory with {found.rows} rows at once: {fewer}see kit train --plan"


def _available(torch: Any) -> int:
    """Bytes of the first GPU, or of what this machine has left."""
    if torch.cuda.is_available():
        return int(torch.cuda.get_device_properties(0).total_memory * 0.95)
    told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(told["MemAvailable"].split()[0]) * 1024


class Counted:
    """A model without content: its parameters, and what autograd keeps of a micro-batch."""

    def __init__(self, config: TrainConfig, tokens: Tokens, checkpoint: Checkpoint | None, gpu: bool | None = None) -> None:
        """gpu: whether it attends as on a GPU; without a word as it does here."""
        self.config, self.tokens, self.checkpoint, self.gpu = config, tokens, checkpoint, gpu
        self._kept: dict[tuple[int, int, bool], int] = {}
        with _fake():
            network = self._built()
            sizes = [(p.numel(), p.requires_grad, p.ndim) for p in network.parameters()]
            self.weights = sum(p.nbytes for p in network.parameters()) - self._saved_by_four_bits(network)
            self.vocabulary = int(network.get_input_embeddings().weight.shape[0])  # type: ignore[index]
            self.layers = max(1, int(getattr(network.config.get_text_config(), "num_hidden_layers", 1)))
        self.parameters = sum(size for size, _, _ in sizes)
        self.trained = sum(size for size, trained, _ in sizes if trained)
        self.largest = max((size for size, trained, _ in sizes if trained), default=0)
        self.matrices = sum(size for size, trained, dimensions in sizes if trained and dimensions == 2)

    def _saved_by_four_bits(self, network: PreTrainedModel) -> int:
        """Bytes that are not taken where frozen products are held in four bits, and 0.127 of what scales them (QLoRA, arXiv
        2305.14314, section 3)."""
        import torch

        if self.config.base_precision != "nf4":
            return 0
        head = network.get_output_embeddings()
        products = [m.weight for m in network.modules() if isinstance(m, torch.nn.Linear) and m is not head]
        return sum(p.nbytes - round(p.numel() * 4.127 / 8) for p in products if not p.requires_grad)

    def _built(self) -> PreTrainedModel:
        """As `begin` loads it, or builds it, for training."""
        from transformers import AutoConfig, AutoModelForCausalLM
        from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

        from kit.models.load import attention, held_in
        from kit.models.tiny import build_model

        if self.checkpoint is None:
            return build_model(self.config.tiny, self.tokens.tokenizer, 0)
        whole, trusted = self.checkpoint.whole, self.config.trust_remote_code
        told = AutoConfig.from_pretrained(whole.source, revision=whole.revision, trust_remote_code=trusted)
        kind: Any = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(told), None)
        network: Any = AutoModelForCausalLM.from_config(
            told,
            dtype=held_in(self.config.base_precision),
            attn_implementation=attention(kind, training=True, gpu=self.gpu),
            trust_remote_code=trusted,
        )
        if self.config.lora:
            network = adapted(self.config, network, whole)["network"]
        elif self.checkpoint.adapter and self.config.adapter != "merge":
            from peft import PeftConfig, get_peft_model

            network = get_peft_model(network, PeftConfig.from_pretrained(self.checkpoint.source))
        return network

    def kept(self, rows: int, width: int, checkpointed: bool) -> int:
        """Bytes that autograd keeps of a micro-batch's forward pass, its parameters left out."""
        import torch
        from transformers.loss.loss_utils import ForCausalLMLoss

        from kit.models.load import choose_dtype

        if (rows, width, checkpointed) in self._kept:
            return self._kept[rows, width, checkpointed]
        found: dict[int, Any] = {}
        with _fake():
            network = self._built()
            network.train()
            if checkpointed:
                network.gradient_checkpointing_enable()
                network.enable_input_require_grads()
            own = {p.untyped_storage()._cdata for p in network.parameters()}

            def keep(tensor: Any) -> Any:
                storage = tensor.untyped_storage()
                if storage._cdata not in own:
                    found[storage._cdata] = storage  # held, so that no other comes in its place
                return tensor

            ids = torch.zeros(rows, width, dtype=torch.long)
            half = choose_dtype(self.config.precision) == torch.bfloat16
            with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x), torch.autocast("cpu", torch.bfloat16, enabled=half):
                logits = network(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
                ForCausalLMLoss(logits, ids, logits.shape[-1], num_items_in_batch=torch.tensor(rows))
        self._kept[rows, width, checkpointed] = sum(storage.nbytes() for storage in found.values())
        return self._kept[rows, width, checkpointed]


def taken(config: TrainConfig, model: Counted, split: Split, width: int) -> Memory:
    """Bytes at the peak of a step: at the beginning of the backward pass of its last micro-batch. width: tokens of its longest
    row, or of all where they are packed."""
    import torch

    weights, gradients = model.weights, 4 * model.trained
    # Muon keeps one moment of a matrix.
    optimizer = 8 * model.trained - (4 * model.matrices if config.optimizer == "muon" else 0)
    rows = 1 if config.packing else split.rows
    activations = model.kept(rows, width, config.gradient_checkpointing)
    if config.gradient_checkpointing:  # one layer is gone through again at a time
        activations += (model.kept(rows, width, False) - activations) // model.layers
    # The logits and their gradient, and that of the head; where gradients add up, they are there beside their sum.
    loss = 8 * rows * width * model.vocabulary + 4 * model.largest * (2 if split.times > 1 else 1)
    if split.times == 1:
        # Gradients come as activations go.
        gradients = max(0, gradients - activations - loss)
    other = 0 if torch.cuda.is_available() else LIBRARIES
    if config.devices > 1:
        if config.parallel == "fsdp":
            weights, gradients, optimizer = (math.ceil(size / config.devices) for size in (weights, gradients, optimizer))
            other += 2 * model.weights // model.layers  # the layer at work, whole, and the next
        else:
            other += 4 * model.trained  # the buckets that gradients are sent in
    return Memory(weights, gradients, optimizer, activations, loss, other)


@contextmanager
def _fake() -> Iterator[None]:
    """A block in which tensors have no content."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    # peft moves the modules that it makes, which torch does not do with such tensors; they are all in one place.
    with FakeTensorMode(allow_non_fake_inputs=True), patch.object(torch.nn.Module, "to", lambda module, *_, **__: module):
        yield
