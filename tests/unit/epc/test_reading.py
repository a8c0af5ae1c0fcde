"""EPCs as the standard's examples have them, as epcpy reads them, and whatever bits a tag may send."""

from __future__ import annotations

import pytest
from epcpy.utils.parsers import hex_to_tag_encodable
from hypothesis import given
from hypothesis import strategies as st

from protocol.epc.bits import BitReader, BitWriter
from protocol.epc.hostname import read_hostname, write_hostname
from protocol.epc.layouts import BY_HEADER, LAYOUTS, PREFIX_BITS
from protocol.epc.others import HEADERS as OTHERS
from protocol.epc.plus import HEADERS as PLUS
from protocol.epc.reading import parse_epc_uri, read_epc, read_epc_hex, write_epc
from protocol.epc.table_f import read_value, write_value
from protocol.epc.value import Epc
from protocol.errors import BadInput
from protocol.gs1.check_digits import check_digit
from protocol.gs1.elements import bracketed
from tests.unit.epc.tds_examples import EXAMPLES, memory

# epcpy 0.1.8 looks for the end of an ADI's part number at any bit, and misreads the standard's own example.
CLASSIC = [(digits, uri) for digits, uri, _ in EXAMPLES if ":" in uri and not uri.startswith("adi")]


@pytest.mark.parametrize(("digits", "uri", "elements"), EXAMPLES, ids=[uri.partition(":")[0] for _, uri, _ in EXAMPLES])
def test_the_standards_examples_are_read_and_written(digits: str, uri: str, elements: str) -> None:
    epc = read_epc(memory(digits))
    assert (bracketed(dict(epc.ais)) or "-") == elements
    assert epc.scheme == uri.partition(":")[0]
    assert epc.filter == (None if epc.scheme == "gid-96" else 0 if "sscc" in uri else 3)
    if ":" in uri:
        assert epc.tag_uri == "urn:epc:tag:" + uri
        assert parse_epc_uri("urn:epc:tag:" + uri) == epc
    else:
        assert (epc.pure_uri, epc.tag_uri) == (None, None)
        assert epc.hostname == ("id.example.com" if uri.endswith("++") else None)
    assert write_epc(epc).rstrip(b"\0") == memory(digits).rstrip(b"\0")
    assert epc.undecoded_bits == 0


def test_pure_identity_gtin_and_serial() -> None:
    epc = read_epc_hex("3066C4409047E140075BCD15")
    assert epc.pure_uri == "urn:epc:id:sgtin:95060001343.05.123456789"
    assert (epc.gtin, epc.serial, epc.filter) == ("09506000134352", "123456789", 3)
    assert read_epc_hex("311BA1B300CE0A6A83000000").serial is None
    assert read_epc_hex("3376451FD40C0E400000162E").serial == "5678"
    assert read_epc_hex("2F320434147455900000162E").serial == "5678"


@pytest.mark.parametrize("filter_value", range(8))
def test_the_filter_value_is_kept(filter_value: int) -> None:
    """epcpy drops it: its value can be told only by whoever asks for the tag URI, and never from a parsed EPC."""
    uri = f"urn:epc:tag:sgtin-96:{filter_value}.95060001343.05.123456789"
    data = write_epc(parse_epc_uri(uri))
    assert read_epc(data).filter == filter_value
    assert read_epc(data).tag_uri == uri


@pytest.mark.parametrize(("digits", "uri"), CLASSIC, ids=[uri.partition(":")[0] for _, uri in CLASSIC])
def test_epcpy_reads_the_classic_examples_alike(digits: str, uri: str) -> None:
    theirs = hex_to_tag_encodable(memory(digits).hex())
    assert theirs.epc_uri == read_epc(memory(digits)).pure_uri
    assert theirs.epc_uri.rpartition(":")[2] == uri.rpartition(":")[2].partition(".")[2] or uri.startswith("gid")


def digits_of(size: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=size, max_size=size)


@st.composite
def sgtins(draw: st.DrawFn) -> tuple[str, str]:
    """Draw the tag URI of an SGTIN-96 or SGTIN-198, and its GTIN."""
    size = draw(st.integers(6, 12))
    prefix, reference = draw(digits_of(size)), draw(digits_of(13 - size))
    scheme, serial = draw(
        st.tuples(st.just("sgtin-96"), st.integers(0, 2**38 - 1).map(str))
        | st.tuples(st.just("sgtin-198"), st.text("0123456789ABCabc-_", min_size=1, max_size=20))
    )
    body = reference[0] + prefix + reference[1:]
    return f"urn:epc:tag:{scheme}:{draw(st.integers(0, 7))}.{prefix}.{reference}.{serial}", body + check_digit(body)


@given(sgtins())
def test_any_sgtin_is_written_read_and_read_alike_by_epcpy(drawn: tuple[str, str]) -> None:
    uri, gtin = drawn
    data = write_epc(parse_epc_uri(uri))
    epc = read_epc(data)
    assert (epc.tag_uri, epc.gtin) == (uri, gtin)
    assert hex_to_tag_encodable(data.hex()).epc_uri == epc.pure_uri


@given(st.sampled_from(LAYOUTS), st.integers(0, 6), st.data())
def test_any_classic_epc_of_numbers_is_written_and_read(layout: object, partition: int, data: st.DataObject) -> None:
    chosen = next(one for one in LAYOUTS if one is layout)
    size = 12 - partition
    parts = [data.draw(digits_of(size))]
    room = chosen.pair_size - size
    numbers = st.integers(0, 2 ** (chosen.pair_bits - PREFIX_BITS[partition]) - 1).map(str)
    texts = st.text("ABCabc019-_/%", min_size=1, max_size=max(1, room))
    parts.append(data.draw({0: digits_of(room), 1: numbers, 2: texts}[chosen.reference.value]))
    if chosen.pieces:
        parts += [data.draw(digits_of(2)), data.draw(digits_of(2))]
    tail = {
        1: st.integers(0, 2**chosen.tail_bits - 1).map(str),
        2: st.text("ABCabc019-_/%#"[:-1], min_size=1, max_size=chosen.tail_bits // 7),
        3: st.text("0123456789", min_size=1, max_size=12),
        4: st.none(),
    }[chosen.tail.value]
    last = data.draw(tail)
    epc = Epc(chosen.scheme, data.draw(st.integers(0, 7)), (*parts, *([] if last is None else [last])))
    read = read_epc(write_epc(epc))
    assert (read.scheme, read.filter, read.parts) == (epc.scheme, epc.filter, epc.parts)
    assert read.tag_uri is not None
    assert parse_epc_uri(read.tag_uri) == read


CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
serials = st.one_of(
    *(
        st.text(alphabet, min_size=1, max_size=20)
        for alphabet in ("0123456789", "0123456789ABCDEF", "0f", "AZ09-.:", "az_", CSET_82)
    )
)
hosts = st.sampled_from(
    ["example.com", "id.example.org", "www.shop.co.uk", "qr.a-b.tech", "x.li", "shop.zw", "a.b.c.d", "net"]
)


@given(
    serials, st.integers(0, 7), st.none() | hosts, st.none() | st.sampled_from(["11", "13", "15", "16", "17", "7006"])
)
def test_any_sgtin_plus_is_written_and_read(serial: str, filter_value: int, host: str | None, date: str | None) -> None:
    ais = (
        ("01", "09506000134352"),
        ("21", serial),
        *([] if date is None else [(date, "261200" if date != "7006" else "261231")]),
    )
    name = ("sgtin" if date is None else "dsgtin") + ("+" if host is None else "++")
    epc = Epc(name, filter_value, ais=ais, hostname=host)
    assert read_epc(write_epc(epc)) == epc


@given(serials, st.text(CSET_82, min_size=1, max_size=10), hosts)
def test_what_follows_the_epc_is_read(serial: str, batch: str, host: str) -> None:
    """AIDC data (TDS 15.3): batch, dates, weight and count behind the EPC of one tag."""
    more = (("10", batch), ("17", "261231"), ("3103", "001250"), ("30", "12"))
    for scheme, hostname in (("sgtin+", None), ("sgtin++", host)):
        epc = Epc(scheme, 1, ais=(("01", "09506000134352"), ("21", serial), *more), hostname=hostname)
        data = write_epc(epc)
        assert read_epc(data) == epc
        assert data[1] & 0x80


@pytest.mark.parametrize(
    ("ai", "value", "bits"),
    # Lengths from table F: of the fixed ones its column e, of the others worked out.
    [
        ("20", "07", 7),
        ("3103", "001250", 20),
        ("3942", "0125", 14),
        ("402", "95211411234567891", 57),
        ("410", "9521141123454", 52),
        ("4309", "02790858483015297971", 67),
        ("7001", "7010001234567", 44),
        ("7250", "20250228", 27),
        ("7251", "202502281830", 40),
        ("7252", "1", 4),
        ("7258", "1/3", 8),
        ("8001", "12345678901910", 47),
        ("8026", "095211411234540102", 72),
        ("4307", "NL", 12),
        ("4322", "1", 1),
        ("4324", "2612312359", 27),
        ("7003", "2612312359", 27),
        ("4331", "001250-", 21),
        ("4331", "001250", 21),
        ("7007", "261231", 17),
        ("7007", "261230261231", 33),
        ("8008", "261231235958", 35),
        ("8008", "26123123", 23),
        ("7011", "261231", 18),
        ("422", "280", 10),
        ("423", "280250", 4 + 20),
        ("3932", "9781995", 10 + 4 + 14),
        ("3922", "1995", 4 + 14),
        ("7040", "1ABC", 3 + 3 + 16),
        ("421", "2801234AB", 10 + 3 + 4 + 24),
        ("7030", "280A-1", 10 + 3 + 5 + 16),
        ("7005", "27.3.a", 3 + 4 + 42),
        ("8004", "9521141", 32),
        ("91", "a", 3 + 7 + 4),
    ],
)
def test_each_identifier_is_written_as_table_f_says(ai: str, value: str, bits: int) -> None:
    out = BitWriter()
    write_value(out, ai, value)
    assert out.size == bits
    written = out.words()
    assert read_value(BitReader(int.from_bytes(written, "big"), 8 * len(written)), ai) == value


def test_an_identifier_not_written_in_epcs_leaves_the_epc_readable() -> None:
    data = bytes.fromhex("F90095201234567891235" + "8007" + "123")
    epc = read_epc(data)
    assert (epc.of("00"), epc.undecoded_bits > 0) == ("095201234567891235", True)


@given(hosts)
def test_a_hostname_is_written_short_and_read_back(host: str) -> None:
    out = BitWriter()
    write_hostname(out, host)
    written = out.words()
    assert read_hostname(BitReader(int.from_bytes(written, "big"), 8 * len(written))) == host
    assert out.size <= 7 + 7 * len(host)


def test_a_hostname_may_be_in_code_40() -> None:
    # EXAMPLE.COM in URN Code 40: four groups of three, the last with a filler.
    out = BitWriter()
    out.write(0, 1)
    out.write(11, 6)
    for group in ((5, 24, 1), (13, 16, 12), (5, 28, 3), (15, 13, 0)):
        out.write(1600 * group[0] + 40 * group[1] + group[2] + 1, 16)
    assert read_hostname(BitReader(int.from_bytes(out.words(), "big"), 80)) == "example.com"


@pytest.mark.parametrize(
    ("digits", "name"),
    [
        ("", "bad-epc"),
        ("3", "bad-epc"),
        ("zz", "bad-epc"),
        ("00" * 12, "unknown-epc"),
        ("E2801160600002", "unknown-epc"),
        ("FF" * 12, "unknown-epc"),
        ("3066C4409047E140075BCD", "bad-epc"),
        ("3066C4409047E140075BCD150001", "bad-epc"),
        ("307EC4409047E140075BCD15", "bad-epc"),
        ("307BFFFFFFFFE140075BCD15", "bad-epc"),
        ("311BA1B300CE0A6A83000001", "bad-epc"),
        ("F90095201234567891236", "check-digit"),
        ("F9009520123456789123F", "bad-epc"),
        ("FB3F2CDE795211411234538566CB0AFC4000", "bad-epc"),
        ("FB34DCDE795211411234538566CB0AFC4000", "bad-date"),
        ("FB342DDE795211411234538566CB0AFC4000", "bad-date"),
        ("F73795211411234538", "bad-epc"),
        ("3666C4409047E14000000000000000000000000000000000", "bad-epc"),
    ],
)
def test_what_is_no_epc_is_refused_by_name(digits: str, name: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_epc_hex(digits + "0" * (len(digits) % 2 if digits != "3" else 0))
    assert caught.value.name == name


@given(st.sampled_from([*BY_HEADER, *OTHERS, *PLUS, 0, 0xE2, 0xFE]), st.binary(max_size=61))
def test_any_memory_is_an_epc_or_a_named_refusal_and_what_is_read_is_written_back(header: int, rest: bytes) -> None:
    data = bytes([header]) + rest
    try:
        epc = read_epc(data)
    except BadInput as error:
        told = error.name
    else:
        told = "read"
        assert epc.tag_uri is None or parse_epc_uri(epc.tag_uri) == epc
        assert epc.serial is None or epc.serial
    assert told in {"read", "bad-epc", "unknown-epc", "bad-ai", "check-digit", "bad-date"}


@given(
    st.text(max_size=30),
    st.sampled_from(["urn:epc:tag:", "urn:epc:tag:sgtin-96:3.", "urn:epc:tag:gid-96:", "urn:epc:tag:adi-var:3.", ""]),
)
def test_any_uri_is_an_epc_or_a_named_refusal(text: str, before: str) -> None:
    try:
        epc = parse_epc_uri(before + text)
    except BadInput:
        return
    assert read_epc(write_epc(epc)) == epc
