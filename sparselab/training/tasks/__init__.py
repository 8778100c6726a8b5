"""What networks are trained on: one entry a task, listed here. Nothing imports torch before it loads."""

from sparselab.core.plugins import Registry
from sparselab.training.tasks.base import Data, NoSettings, Split, Task, check_task
from sparselab.training.tasks.cifar import CIFAR10, CIFAR100, CifarSettings, cifar_reader
from sparselab.training.tasks.digits import DigitsSettings, read_digits
from sparselab.training.tasks.folders import ImageNetSettings, TinySettings, read_imagenet, read_tiny_imagenet
from sparselab.training.tasks.metrics import ACCURACY, Metric

TASKS: Registry[Task] = Registry(
    "tasks",
    {
        "digits": Task(
            "Digits among distractors",
            "generated from scikit-learn's digits (UCI optical recognition of handwritten digits)",
            classes=10,
            channels=1,
            size=DigitsSettings.canvas,
            reader=read_digits,
            settings=DigitsSettings,
        ),
        "cifar10": Task(
            "CIFAR-10",
            "Krizhevsky, 2009: cifar-10-binary.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html",
            classes=10,
            channels=3,
            size=32,
            reader=cifar_reader(CIFAR10),
            settings=CifarSettings,
            expects="data_batch_1.bin to data_batch_5.bin and test_batch.bin (cifar-10-binary.tar.gz)",
        ),
        "cifar100": Task(
            "CIFAR-100",
            "Krizhevsky, 2009: cifar-100-binary.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html",
            classes=100,
            channels=3,
            size=32,
            reader=cifar_reader(CIFAR100),
            settings=CifarSettings,
            expects="train.bin and test.bin (cifar-100-binary.tar.gz)",
        ),
        "tiny-imagenet": Task(
            "Tiny-ImageNet",
            "Stanford CS231n: tiny-imagenet-200.zip",
            classes=200,
            channels=3,
            size=64,
            reader=read_tiny_imagenet,
            settings=TinySettings,
            expects="train/<class>/images/*.JPEG, val/images/*.JPEG and val/val_annotations.txt (tiny-imagenet-200.zip)",
        ),
        "imagenet": Task(
            "ImageNet",
            "Russakovsky et al., IJCV 2015: ILSVRC 2012",
            classes=1000,
            channels=3,
            size=ImageNetSettings.side,
            reader=read_imagenet,
            settings=ImageNetSettings,
            expects="train/<class>/*.JPEG and val/<class>/*.JPEG (ILSVRC 2012, validation images sorted into classes)",
        ),
    },
    check_task,
)

__all__ = ["ACCURACY", "TASKS", "Data", "Metric", "NoSettings", "Split", "Task"]
