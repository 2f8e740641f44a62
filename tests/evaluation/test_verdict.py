import pytest

from tfvae.evaluation.figure import Figure
from tfvae.evaluation.verdict import verdict, verdicts


def figures(label="act", error=0.01, **found):
    """Adjusted mutual information by name, "k-means of 4" written k_means_of_4=…, with clusters where a pair is given."""
    names = {"rule_question_mark": "rule: question mark", "supervised_TFIDF": "supervised TF-IDF"}
    for key, value in found.items():
        name = names.get(key, key.replace("k_means", "k-means").replace("_", " "))
        value, clusters = value if isinstance(value, tuple) else (value, 4)
        settings = {"label": label, "codes": name, "clusters": clusters}
        yield Figure("adjusted_mutual_information", value, error, settings=settings)
        yield Figure("homogeneity", 0.99, error, settings=settings)


def test_codes_that_are_ahead_of_all_win():
    found = verdict([*figures(joint=(0.3, 16), variable_1=0.421, variable_0=0.1, k_means_of_4=0.262, LDA_of_4=0.1, LDA_of_16=0.2)], "act")
    assert str(found) == (
        "act: the code of variable 1 (4 values, AMI 0.421 ± 0.010) wins against k-means of 4 (0.262 ± 0.010), the best of all baselines"
    )
    assert found.lead == pytest.approx(0.421 - 0.262)


def test_codes_that_trail_lose_and_the_ceiling_is_no_baseline():
    found = verdict([*figures(joint=0.1, k_means_of_4=0.262, supervised_TFIDF=0.9)], "act")
    assert found.text == "the joint code (4 values, AMI 0.100 ± 0.010) loses to k-means of 4 (0.262 ± 0.010), the best of all baselines"
    assert found.lead < 0


def test_a_rule_may_beat_codes_that_beat_as_many_clusters():
    found = verdict([*figures(joint=0.3, k_means_of_4=0.2, rule_question_mark=(0.5, 2))], "act")
    assert found.text.endswith(
        "wins against k-means of 4 (0.200 ± 0.010), but loses to rule: question mark (0.500 ± 0.010), the best of all baselines"
    )
    assert found.lead == pytest.approx(-0.2)


def test_codes_may_lose_to_as_many_clusters_and_to_others():
    found = verdict([*figures(joint=0.1, k_means_of_4=0.2, EM_of_2=(0.5, 2))], "act")
    assert "loses to k-means of 4 (0.200 ± 0.010), and also loses to EM of 2 (0.500 ± 0.010), the best of all" in found.text


def test_what_is_within_the_errors_is_neither_won_nor_lost():
    assert "is level with k-means of 4" in verdict([*figures(joint=0.3, k_means_of_4=0.28)], "act").text
    assert "wins against k-means of 4" in verdict([*figures(joint=0.3, k_means_of_4=0.27)], "act").text
    assert "wins against k-means of 4 (0.299)," in verdict([*figures(error=None, joint=0.3, k_means_of_4=0.299)], "act").text


@pytest.mark.parametrize(("values", "size"), [(3, 4), (4, 4), (5, 16), (16, 16), (900, 16)])
def test_as_many_clusters_are_the_next_more_where_a_code_uses_fewer_values(values, size):
    found = verdict([*figures(joint=(0.9, values), EM_of_4=0.1, EM_of_16=(0.11, 16), EM_of_2=(0.12, 2))], "act")
    assert f"wins against EM of {size} (" in found.text and f"({values} values" in found.text


def test_one_value_is_one():
    assert "the joint code (1 value, AMI" in verdict([*figures(joint=(0.0, 1), EM_of_4=0.1)], "act").text


def test_every_label_has_a_verdict_but_for_those_without_codes_or_baselines():
    found = [*figures(joint=0.1, k_means_of_4=0.2), *figures("topic", joint=0.3, k_means_of_4=0.2), *figures("x", k_means_of_4=0.2)]
    found += [*figures("y", joint=0.2), Figure("accuracy_vote", 0.5, settings={"label": "z"})]
    assert [each.label for each in verdicts(found)] == ["act", "topic"]
    assert [*verdicts([])] == []
