"""A page to look at: one HTML file that opens offline and recomputes its picture from the exact field.

    javascript       equation + update text + loss -> tape -> functions of the page
    words            terms and coefficients -> sentences
    formula_images   LaTeX -> inline SVG
    pictures         slopes -> drawings
    page             everything -> one file
"""
