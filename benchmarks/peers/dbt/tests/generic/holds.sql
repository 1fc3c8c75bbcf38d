{% test holds(model, column_name=none, expression=none) %}
    select * from {{ model }} where not coalesce({{ expression }}, true)
{% endtest %}

{% test unique_together(model, columns) %}
    select {{ columns | join(', ') }} from {{ model }} group by all having count(*) > 1
{% endtest %}
