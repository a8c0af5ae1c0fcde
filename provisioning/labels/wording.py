"""What is printed for the people who use it, in English and Chinese."""

# ruff: noqa: RUF001 - Chinese has commas, colons and brackets of its own, and a sign for times

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol.cards import (
    AgainCard,
    AnswerCard,
    Card,
    CheckCard,
    CountCard,
    EndCard,
    Mode,
    ModeCard,
    PlaceCard,
    PluCard,
    PriceCard,
    QuantityCard,
    ShipmentCard,
    ShipmentEnd,
    SkipCard,
    SkipReason,
    UndoCard,
    WhoCard,
)


class Languages(StrEnum):
    """Which languages are printed."""

    EN = "en"
    ZH = "zh"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Wording:
    """A text in English and in Chinese."""

    en: str
    zh: str

    def lines(self, languages: Languages) -> list[str]:
        """Give what is printed; one line where both say the same."""
        match languages:
            case Languages.EN:
                return [self.en]
            case Languages.ZH:
                return [self.zh]
            case Languages.BOTH:
                return list(dict.fromkeys((self.en, self.zh)))


@dataclass(frozen=True, slots=True)
class CardWords:
    """A card's title, and what it does."""

    title: Wording
    does: Wording


NEEDS_CAMERA: Final = Wording(
    "Too long for bars: for scanners that read QR codes.", "内容过长，无法印条形码：请用能读二维码的扫描枪。"
)
HOW_TO_ENROL: Final = Wording(
    "Scan it with the station's own scanner, or type the four rows on its page.",
    "用本机的扫描枪扫描，或在本机页面输入四行数字。",
)
GOOD_ONCE: Final = Wording("Good once. Keep it from strangers until it is used.", "一次有效，使用前请勿让外人看到。")

_MODES: Final = {
    Mode.SALE: (Wording("Sale", "销售"), Wording("From now on a scan sells.", "从现在起，扫描即销售。")),
    Mode.RETURN: (
        Wording("Return", "退货"),
        Wording("From now on a scan takes back what a customer returns.", "从现在起，扫描即收回顾客退货。"),
    ),
    Mode.RECEIVE: (
        Wording("Receive", "收货"),
        Wording("From now on a scan takes in goods of a delivery.", "从现在起，扫描即到货入库。"),
    ),
    Mode.COUNT: (Wording("Count", "盘点"), Wording("From now on a scan counts.", "从现在起，扫描即盘点。")),
    Mode.TRANSFER: (
        Wording("Transfer", "调拨"),
        Wording("From now on what is scanned leaves here, in transit.", "从现在起，扫描的商品从本处调出（在途）。"),
    ),
    Mode.WASTE: (
        Wording("Waste", "报损"),
        Wording("From now on what is scanned is written off.", "从现在起，扫描的商品报损出库。"),
    ),
    Mode.PRICE_CHECK: (
        Wording("Price check", "查价"),
        Wording("From now on a scan only tells the price.", "从现在起，扫描只显示价格，不动库存。"),
    ),
}


def words_of(card: Card, name: str = "") -> CardWords:
    """Say what a card is and does; `name` is that of the item, place or person on it, as the shop calls it."""
    match card:
        case ModeCard(mode, document):
            title, does = _MODES[mode]
            if document is None:
                return CardWords(title, does)
            return CardWords(Wording(f"{title.en} {document}", f"{title.zh} {document}"), does)
        case QuantityCard(pieces):
            return CardWords(
                Wording(f"× {pieces}", f"× {pieces}"),
                Wording(f"The next scan counts {pieces} times.", f"下一次扫描按 {pieces} 件计。"),
            )
        case PlaceCard(place):
            return CardWords(
                Wording(f"To {name or place}", f"调往 {name or place}"),
                Wording("From now on what is scanned is moved to this place.", "从现在起，扫描的商品移到此处。"),
            )
        case PriceCard():
            return CardWords(
                Wording("Price", "价格"),
                Wording("The next scan only tells the price.", "下一次扫描只显示价格。"),
            )
        case UndoCard():
            return CardWords(
                Wording("Undo", "撤销"),
                Wording("Takes back the last thing this station did.", "撤销本机的上一步操作。"),
            )
        case AgainCard():
            return CardWords(
                Wording("Again", "再算一次"),
                Wording("The last scan held back as a double was meant.", "刚才被当作重复的扫描，应当计入。"),
            )
        case EndCard():
            return CardWords(
                Wording("End", "结束"),
                Wording(
                    "The count, delivery or sale is complete; a hand-over check is left.",
                    "本次盘点、收货或销售已完成；也可退出交接检查。",
                ),
            )
        case CountCard(session, place, number):
            return CardWords(
                Wording(f"Count {name or place}", f"盘点 {name or place}"),
                Wording(f"For the count {session}, pass {number}.", f"盘点批次 {session}，第 {number} 遍。"),
            )
        case WhoCard(person):
            return CardWords(
                Wording(name or person, name or person),
                Wording("This person counts from now on.", "从现在起由此人盘点。"),
            )
        case ShipmentCard(document, source, destination):
            here, there = _end(source), _end(destination)
            return CardWords(
                Wording(f"Shipment {document}", f"调拨单 {document}"),
                Wording(
                    f"From {here} to {there}. Scan it where goods leave and where they arrive.",
                    f"由 {here} 到 {there}，发出和到达时各扫一次。",
                ),
            )
        case CheckCard():
            return CardWords(
                Wording("Check", "交接检查"),
                Wording(
                    "Begins the hand-over check, and is what its scanners have to read.",
                    "开始交接检查；检查中，请用每把扫描枪扫描此卡。",
                ),
            )
        case AnswerCard(yes):
            return _ANSWERS[yes]
        case SkipCard(why):
            return _SKIPPED[why]
        case PluCard(plu):
            return CardWords(
                Wording(name or f"PLU {plu}", name or f"PLU {plu}"),
                Wording(f"Number {plu} at the scales.", f"秤上编号 {plu}。"),
            )


_SKIPS: Final = Wording("The hand-over check goes on without this step.", "交接检查跳过这一步。")
_SKIPPED: Final = {
    None: CardWords(Wording("Skip", "跳过"), _SKIPS),
    SkipReason.NOT_INSTALLED: CardWords(Wording("Skip: not installed yet", "跳过：尚未安装"), _SKIPS),
    SkipReason.NOTHING_TO_TRY: CardWords(Wording("Skip: nothing to try it with", "跳过：没有可试的物品"), _SKIPS),
    SkipReason.TO_BE_REPAIRED: CardWords(Wording("Skip: to be repaired", "跳过：待修"), _SKIPS),
}
_ANSWERS: Final = {
    True: CardWords(Wording("Yes", "是"), Wording("What the hand-over check asks is so.", "交接检查所问的情况属实。")),
    False: CardWords(
        Wording("No", "否"), Wording("What the hand-over check asks is not so.", "交接检查所问的情况不属实。")
    ),
}


def _end(end: ShipmentEnd) -> str:
    return end.store if end.place is None else f"{end.store}/{end.place}"
