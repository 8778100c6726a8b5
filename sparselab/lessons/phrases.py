"""What the page and its pictures say beside the lessons' own texts, by language; English words are the keys."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CHINESE: Mapping[str, str] = MappingProxyType(
    {
        "as in the file": "原始顺序",
        "before": "变换前",
        "after": "变换后",
        "above": "上图",
        "below": "下图",
        "by group": "按组排列",
        "rows in the order of the groups": "各行按组的顺序排列",
        "rows as in the file": "各行按文件中的顺序",
        "not alike": "不相似",
        "alike": "相似",
        "kernel": "核",
        "kept by both": "两者都保留",
        "kept by one": "仅一者保留",
        "weights kept": "保留的权重",
        "random groups": "随机分组",
        "at best": "理论上限",
        "all kept weights": "全部保留的权重",
        "measured": "实测",
        "dense": "稠密",
        "rows a block": "每块行数",
        "test accuracy, %": "测试准确率，%",
        "weights kept, %": "保留的权重，%",
        "the dense network": "稠密网络",
        "times as fast as dense": "相对稠密乘法的加速倍数",
        "density": "密度",
        "csr": "CSR",
        "blocks": "分块",
        "steps": "步",
        "your guess": "你的猜测",
        "the answer": "答案",
        "Your guess": "你的猜测",
        "Reveal": "揭晓",
        "Reveal without a guess": "不猜，直接看答案",
        "Next step": "下一步",
        "Back": "上一步",
        "Step": "步骤",
        "Language": "语言",
        "All lessons": "全部课程",
        "Start": "开始",
        "Next lesson": "下一课",
        "Now with your own mask": "换成你自己的掩码",
        "Sheet for paper": "打印讲义",
        "minutes": "分钟",
        "What is simplified": "简化之处",
        "Sources": "来源",
        "Skip": "跳过",
        "Questions": "问题",
        "Answers": "答案",
        "Name": "姓名",
        "What the picture means": "图的含义",
        "Answer": "答案",
        "Right.": "正确。",
        "You chose": "你选的是",
        "Every weight, in Explore": "在 Explore 中查看每个权重",
        "kept still": "仍保留",
        "filled in": "填入",
        "dropped": "丢弃",
        "in the new order": "新的顺序",
        "energy kept": "保留的能量",
        "Each lesson takes a few minutes: look, guess, then reveal.": "每课只需几分钟：先看，再猜，然后揭晓。",
        "filled: better than dense beyond the interval": "实心：好于稠密，且超出区间",
        "left out, no point near; its points:": "略去，附近没有点；它的点：",
        "better": "更好",
        "worse": "更差",
        "tie": "平局",
        "Measure it here": "在本机上测量",
    }
)

GLOSS: Mapping[str, str] = MappingProxyType(
    {
        "rows_per_group": "每组行数",
        "grouper": "分组方法",
        "rule": "选列规则",
        "ratio": "比例",
        "density": "密度",
        "refine": "改进分组",
        "sample": "示例掩码",
        "order": "行的顺序",
        "kept": "保留比例",
        "seed": "随机种子",
        "n": "每组保留数",
        "m": "组的大小",
        "block_size": "块边长",
        "step": "步骤",
    }
)
"""What controls are called in Chinese, behind their English name."""


def phrase(english: str, language: str) -> str:
    """Return a phrase in a language; in English where it is not translated.

    Example: >>> phrase("Next step", "zh"), phrase("Next step", "en")
             ('下一步', 'Next step')
    """
    return CHINESE.get(english, english) if language == "zh" else english
